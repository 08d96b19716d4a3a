// npm `clamscan`: path, stream and pass-through over both sockets.
const NodeClam = require('clamscan');
const fs = require('fs');
const { PassThrough, Readable } = require('stream');
const assert = require('assert');

const [socket, port, clean, infected, name] = process.argv.slice(2);

async function through(clam, path) {
    const filter = clam.passthrough();
    const seen = new Promise((resolve) => {
        filter.on('scan-complete', resolve);
        filter.on('error', resolve);
    });
    fs.createReadStream(path).pipe(filter).pipe(new PassThrough()).resume();
    return seen;
}

async function main() {
    for (const daemon of [{ socket }, { host: '127.0.0.1', port: Number(port) }]) {
        const options = { ...daemon, timeout: 300000, localFallback: false, bypassTest: false };
        const clam = await new NodeClam().init({ preference: 'clamdscan', clamscan: { active: false }, clamdscan: options });
        assert.match(await clam.getVersion(), /^ClamAV /);
        const good = await clam.isInfected(clean);
        assert.strictEqual(good.isInfected, false);
        const bad = await clam.isInfected(infected);
        assert.strictEqual(bad.isInfected, true);
        assert.deepStrictEqual(bad.viruses, [name]);
        assert.strictEqual((await clam.scanStream(Readable.from([Buffer.from('clean')]))).isInfected, false);
        const stream = await clam.scanStream(fs.createReadStream(infected));
        assert.deepStrictEqual([stream.isInfected, stream.viruses], [true, [name]]);
        assert.strictEqual((await through(clam, clean)).isInfected, false);
        assert.strictEqual((await through(clam, infected)).isInfected, true);
    }
    console.log('ping version scan stream pass-through; unix tcp');
}

main().catch((error) => {
    console.error(error);
    process.exit(1);
});
