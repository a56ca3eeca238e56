// What checks print and count: a line for each, and "N passed, N failed" at the end.

// Each may take `ms`. `end` leaves with a status that says whether all passed.
export function checks(ms) {
    let passed = 0;
    let failed = 0;

    async function check(title, run) {
        let timer;
        const late = new Promise((_, reject) => {
            timer = setTimeout(() => reject(new Error('too late')), ms);
        });
        try {
            await Promise.race([run(), late]);
            passed++;
            console.log(`pass  ${title}`);
        } catch (error) {
            failed++;
            console.log(`FAIL  ${title}: ${error?.stack ?? error}`);
        }
        clearTimeout(timer);
    }

    process.on('unhandledRejection', (reason) => {
        failed++;
        console.log(`FAIL  nobody waited for: ${reason?.stack ?? reason}`);
    });

    function end() {
        console.log(`${passed} passed, ${failed} failed`);
        process.exit(failed === 0 && passed > 0 ? 0 : 1);
    }

    return { check, end };
}
