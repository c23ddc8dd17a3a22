using System.Collections.Concurrent;
using System.Text.Json;
using Sendcat.Benchmarks.Load;

namespace Sendcat.Benchmarks.Stage;

/// <summary>Client → Sendcat's API → emulator. Each place of a plan is a person of its own, each stream a thread of its own.</summary>
internal sealed class SendcatTarget(SendcatApi api) : ITarget, IDisposable
{
    private const int SetUpAtOnce = 32;

    private readonly SendcatRest rest = new(api.Address);
    private readonly ConcurrentDictionary<int, string> sessions = new();

    public string Name => "sendcat";

    public int? ProcessId => api.ProcessId;

    public IReadOnlyList<int> StoreProcessIds => api.StoreProcessIds;

    public async Task<IReadOnlyList<Turn>> PrepareAsync(LoadPlan plan, string prompt, CancellationToken cancellationToken)
    {
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = SetUpAtOnce, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(
            Enumerable.Range(0, plan.Concurrency).Where(place => !sessions.ContainsKey(place)), parallel, async (place, token) => sessions[place] = await rest.SessionAsync(token));

        var turns = new Turn[plan.Streams];
        await Parallel.ForAsync(0, plan.Streams, parallel, async (stream, token) =>
        {
            var session = sessions[stream % plan.Concurrency];
            var thread = await rest.ThreadAsync(session, token);
            await rest.MessageAsync(session, thread, prompt, token);
            turns[stream] = TurnOf(api.Address, session, thread);
        });
        return turns;
    }

    public static Turn TurnOf(Uri api, string session, string thread) =>
        new(new Uri(api, "api/chat"), JsonSerializer.SerializeToUtf8Bytes(new { threadId = thread, sessionId = session }), Dialect.Sendcat);

    public void Dispose() => rest.Dispose();
}
