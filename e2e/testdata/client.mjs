// Prints GET /version of https://HOST:PORT, with the ca.pem, cert.pem, and key.pem of DIRECTORY.
import { readFileSync } from 'node:fs';
import { request } from 'node:https';

const [host, port, directory] = process.argv.slice(2);
const file = (name) => readFileSync(`${directory}/${name}`);
request(
  { host, port, path: '/version', timeout: 30000, ca: file('ca.pem'), cert: file('cert.pem'), key: file('key.pem') },
  (response) => response.pipe(process.stdout),
).end();
