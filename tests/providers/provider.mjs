// An OpenID provider for the tests, npm's certified oidc-provider: node provider.mjs <its folder> <client, as JSON>.
// Whoever logs in is who they say they are. Says its issuer once it answers.
import { createServer } from "node:http";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, client] = process.argv.slice(2);
const { Provider } = await import(pathToFileURL(join(folder, "node_modules/oidc-provider/lib/index.js")));

const people = {
  amina: { email: "amina@shop.example", email_verified: true, given_name: "Amina", family_name: "W." },
  mallory: { email: "customer@soko.example", email_verified: false, given_name: "Mallory" },
  customer: { email: "Customer@soko.example", email_verified: true },
};

const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [JSON.parse(client)],
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["given_name", "family_name"] },
    cookies: { keys: ["the tests' own"] },
    findAccount: (_, id) => ({ accountId: id, claims: async () => ({ sub: id, ...people[id] }) }),
    pkce: { required: () => true },
  });
  server.on("request", provider.callback());
  console.log(issuer);
});
