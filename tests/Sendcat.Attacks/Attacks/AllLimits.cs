namespace Sendcat.Attacks.Attacks;

/// <summary>Reads without end from one loopback address, claims to be somebody else's proxy, and tries operator keys.</summary>
internal sealed class AllLimits : Attack
{
    private const int Reads = 1_200;
    private const int Loops = 8;
    private const int WrongKeys = 10;

    public override byte Number => 9;

    public override string Title => "a caller escapes all limits";

    public override async Task RunAsync(AttackRun run, CancellationToken cancellationToken)
    {
        await ReadsAsync(run, cancellationToken);
        await KeysAsync(run, cancellationToken);
    }

    private async Task ReadsAsync(AttackRun run, CancellationToken cancellationToken)
    {
        var session = (await run.GuestAsync(Address(0), cancellationToken)).Session!;
        var readers = Enumerable.Range(0, Loops).Select(_ => run.From(Address(0)).WithSession(session)).ToArray();
        var (served, refused) = (0, 0);
        await Task.WhenAll(readers.Select(async reader =>
        {
            for (var n = 0; n < 2 * Reads / Loops && Volatile.Read(ref refused) < Loops; n++)
            {
                var answer = await reader.GetAsync("/api/threads", cancellationToken);
                Interlocked.Increment(ref answer.Status == 200 ? ref served : ref refused);
            }
        }));

        run.Check(served <= Reads && refused > 0, $"an address of this machine reads at most {Reads} times a minute", $"{served} served");
        var spoofed = await readers[0].SendAsync(HttpMethod.Get, "/api/threads", null, cancellationToken, ("X-Forwarded-For", "198.51.100.7"), ("X-Real-IP", "198.51.100.7"), ("cf-connecting-ip", "198.51.100.7"));
        run.Check(spoofed is { Status: 429, SaysWhen: true }, "a forwarding header of nobody's proxy makes no caller freer", spoofed);
    }

    private async Task KeysAsync(AttackRun run, CancellationToken cancellationToken)
    {
        var guesser = run.From(Address(1)).WithBearer("0123456789abcdef0123456789abcdef");
        for (var n = 0; n < WrongKeys; n++)
        {
            var wrong = await guesser.GetAsync("/api/ops/knobs", cancellationToken);
            run.Check(wrong.Status == 401, "a wrong key is refused", wrong);
        }

        var beyond = await guesser.GetAsync("/api/ops/knobs", cancellationToken);
        run.Check(beyond is { Status: 429, SaysWhen: true }, $"an address may try {WrongKeys} wrong keys a minute", beyond);
        var right = await run.Operator(Address(1)).GetAsync("/api/ops/knobs", cancellationToken);
        run.Check(right.Status == 200, "the right key gets in from there all the same", right.Status);
    }
}
