using Npgsql;
using Sendcat.Attacks.Callers;
using Sendcat.TestKit.Processes;

namespace Sendcat.Attacks.Attacks;

/// <summary>Aborts and resumes a thread of 12 MB as fast as possible, copies it, and creates as many threads as possible.</summary>
internal sealed class OwnershipChecks : Attack
{
    private const int Loops = 8;
    private const int GuestThreads = 50;
    private const long MaxGrowthBytes = 200L * 1024 * 1024;

    public override byte Number => 5;

    public override string Title => "ownership checks of a huge thread slow all chats";

    public override async Task RunAsync(AttackRun run, CancellationToken cancellationToken)
    {
        var attacker = await run.GuestAsync(Address(0), cancellationToken);
        var thread = await attacker.NewThreadAsync(cancellationToken);
        var message = await FillAsync(run, thread, cancellationToken);
        var process = run.System.Api.Process.Id;
        var before = ProcessCost.ResidentBytes(process);
        var clients = Enumerable.Range(0, Loops).Select(n => run.From(Address(n)).WithSession(attacker.Session!)).ToArray();

        await run.FloodAsync(Loops, async loop =>
        {
            await clients[loop].PostAsync("/api/chat/abort", new { threadId = thread, messageId = message }, cancellationToken);
            await clients[loop].GetAsync($"/api/chat/{thread}/stream", cancellationToken);
        }, cancellationToken);

        var growth = ProcessCost.ResidentBytes(process) - before;
        run.Check(growth < MaxGrowthBytes, $"memory grows by less than {MaxGrowthBytes >> 20} MiB", $"{growth / 1024 / 1024} MiB more");

        var copy = await attacker.PostAsync($"/api/threads/{thread}/branch", new { messageId = message }, cancellationToken);
        run.Check(copy is { Status: 409, Code: "quota_exceeded" }, "a guest cannot copy a thread that exceeds the quota of a guest", copy);
        await ThreadQuotaAsync(run, cancellationToken);
    }

    private async Task ThreadQuotaAsync(AttackRun run, CancellationToken cancellationToken)
    {
        var guest = await run.GuestAsync(Address(Loops), cancellationToken);
        for (var n = 0; n < GuestThreads; n++)
        {
            await guest.NewThreadAsync(cancellationToken);
        }

        var beyond = await guest.PostAsync("/api/threads", new { title = "one more" }, cancellationToken);
        run.Check(beyond is { Status: 409, Code: "quota_exceeded" }, $"a guest has at most {GuestThreads} threads", beyond);
    }

    /// <summary>Fills the thread with SQL, because the limits of the API do not permit a thread of this size.</summary>
    private static async Task<Guid> FillAsync(AttackRun run, string thread, CancellationToken cancellationToken)
    {
        await using var database = NpgsqlDataSource.Create(run.System.Database);
        await using var insert = database.CreateCommand("""
            -- fill a thread with 200 long messages
            INSERT INTO messages (id, thread_id, role, content, status, created_at)
            SELECT gen_random_uuid(), $1, CASE n % 2 WHEN 0 THEN 'assistant' ELSE 'user' END, repeat('x', 60000), 'completed',
              now() + n * interval '1 ms' FROM generate_series(1, 200) n
            RETURNING id
            """);
        insert.Parameters.Add(new() { Value = Guid.Parse(thread) });
        var last = Guid.Empty;
        await using var rows = await insert.ExecuteReaderAsync(cancellationToken);
        while (await rows.ReadAsync(cancellationToken))
        {
            last = rows.GetGuid(0);
        }

        return last;
    }
}
