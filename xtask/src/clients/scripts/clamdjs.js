// npm `clamdjs`: over TCP.
const clamd = require('clamdjs');
const fs = require('fs');
const assert = require('assert');

const [, port, clean, infected, name] = process.argv.slice(2);

async function main() {
    assert.strictEqual(await clamd.ping('127.0.0.1', Number(port)), true);
    assert.match(await clamd.version('127.0.0.1', Number(port)), /^ClamAV /);
    const scanner = clamd.createScanner('127.0.0.1', Number(port));
    const plain = (text) => text.replace(/\0$/, '');
    assert.strictEqual(plain(await scanner.scanFile(clean)), 'stream: OK');
    assert.strictEqual(plain(await scanner.scanFile(infected)), `stream: ${name} FOUND`);
    assert.strictEqual(plain(await scanner.scanBuffer(fs.readFileSync(infected))), `stream: ${name} FOUND`);
    assert.strictEqual(plain(await scanner.scanStream(fs.createReadStream(infected))), `stream: ${name} FOUND`);
    console.log('ping version stream; tcp');
}

main().catch((error) => {
    console.error(error);
    process.exit(1);
});
