// Starts the server on a free port of this machine, prints its address, and ends when standard input does.
import { OAuth2Server } from "oauth2-mock-server";

const server = new OAuth2Server();
await server.issuer.keys.generate("RS256");
await server.start(0, "127.0.0.1");
console.log(`http://127.0.0.1:${server.address().port}`);
process.stdin.resume();
process.stdin.on("end", () => server.stop().then(() => process.exit(0)));
