// node's http, both ends: echo.js server PORT | client HOST PORT REQUESTS BYTES. A body is posted and comes back.
const http = require('http');
const crypto = require('crypto');
const [role, ...args] = process.argv.slice(2);

if (role === 'server') {
  http.createServer((request, response) => {
    response.writeHead(200, {'x-path': request.url});
    request.pipe(response);
  }).listen(+args[0], '0.0.0.0', () => console.log('ready'));
} else {
  const [host, port, count, size] = [args[0], +args[1], +args[2], +args[3]];
  const agent = new http.Agent({keepAlive: true, maxSockets: 4});
  const lines = [];
  let left = count;
  const done = (i, text) => {
    lines[i] = text;
    if (--left > 0) return;
    console.log(lines.join('\n'));
    agent.destroy();
  };
  for (let i = 0; i < count; i++) {
    const request = http.request({host, port, agent, path: '/' + i, method: 'POST'}, (response) => {
      const hash = crypto.createHash('sha256');
      let n = 0;
      response.on('data', (piece) => { n += piece.length; hash.update(piece); });
      response.on('end', () => done(i, `${response.headers['x-path']} ${response.statusCode} ${n} ${hash.digest('hex').slice(0, 16)}`));
      response.on('error', (error) => done(i, `${i} ${error.message}`));
    });
    request.on('error', (error) => done(i, `${i} ${error.message}`));
    request.end(Buffer.alloc(size, String.fromCharCode(65 + i)));
  }
}
