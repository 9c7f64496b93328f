pytest_plugins = ["chassis.fixtures"]
