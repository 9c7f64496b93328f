pytest_plugins = ["chassis.fixtures", "chassis.rabbit_fixtures", "shopping"]
