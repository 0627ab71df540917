// Serves fauxqs on a free port of the loopback interface (its own start function listens on all of them), prints the
// address, and ends when its parent closes stdin.
import { buildApp } from "fauxqs";

const app = buildApp({ logger: false, defaultRegion: process.argv[2] });
console.log(await app.listen({ port: 0, host: "127.0.0.1" }));
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
