namespace Sendcat.Attacks.Attacks;

/// <summary>
/// Reads continuously from one loopback address, forges the forwarding headers of a proxy, and tries wrong operator keys.
/// </summary>
internal sealed class LimitEvasion : Attack
{
    private const int Reads = 1_200;
    private const int Loops = 8;
    private const int WrongKeys = 10;

    public override byte Number => 9;

    public override string Title => "a caller evades the limits";

    public override async Task RunAsync(AttackRun run, CancellationToken cancellationToken)
    {
        await ReadsAsync(run, cancellationToken);
        await WrongKeysAsync(run, cancellationToken);
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
                var response = await reader.GetAsync("/api/threads", cancellationToken);
                Interlocked.Increment(ref response.Status == 200 ? ref served : ref refused);
            }
        }));

        run.Check(served <= Reads && refused > 0, $"an address of this machine reads at most {Reads} times a minute", $"{served} served");
        var spoofed = await readers[0].SendAsync(
            HttpMethod.Get, "/api/threads", null, cancellationToken, ("X-Forwarded-For", "198.51.100.7"), ("X-Real-IP", "198.51.100.7"),
            ("cf-connecting-ip", "198.51.100.7"));
        run.Check(
            spoofed is { Status: 429, HasRetryAfter: true }, "a forwarding header that no trusted proxy sent does not change the limit",
            spoofed);
    }

    private async Task WrongKeysAsync(AttackRun run, CancellationToken cancellationToken)
    {
        var caller = run.From(Address(1)).WithBearer("0123456789abcdef0123456789abcdef");
        for (var n = 0; n < WrongKeys; n++)
        {
            var wrong = await caller.GetAsync("/api/ops/knobs", cancellationToken);
            run.Check(wrong.Status == 401, "a wrong key is refused", wrong);
        }

        var beyond = await caller.GetAsync("/api/ops/knobs", cancellationToken);
        run.Check(beyond is { Status: 429, HasRetryAfter: true }, $"an address may try {WrongKeys} wrong keys a minute", beyond);
        var right = await run.Operator(Address(1)).GetAsync("/api/ops/knobs", cancellationToken);
        run.Check(right.Status == 200, "the correct key is accepted from the same address", right.Status);
    }
}
