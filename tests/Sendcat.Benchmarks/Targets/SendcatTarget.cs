using System.Collections.Concurrent;
using System.Text.Json;
using Sendcat.Benchmarks.Load;

namespace Sendcat.Benchmarks.Targets;

/// <summary>
/// The path client → API of Sendcat → emulator. Each slot of a plan has its own anonymous session, each stream its own thread.
/// </summary>
internal sealed class SendcatTarget(SendcatApi api) : ITarget, IDisposable
{
    private const int ConcurrentSetups = 32;

    private readonly SendcatRest _rest = new(api.Address);
    private readonly ConcurrentDictionary<int, string> _sessions = new();

    public string Name => "sendcat";

    public int? ProcessId => api.ProcessId;

    public IReadOnlyList<int> StoreProcessIds => api.StoreProcessIds;

    public async Task<IReadOnlyList<TurnRequest>> PrepareAsync(LoadPlan plan, string prompt, CancellationToken cancellationToken)
    {
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = ConcurrentSetups, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(
            Enumerable.Range(0, plan.Concurrency).Where(slot => !_sessions.ContainsKey(slot)), parallel,
            async (slot, token) => _sessions[slot] = await _rest.CreateSessionAsync(token));

        var turns = new TurnRequest[plan.Streams];
        await Parallel.ForAsync(0, plan.Streams, parallel, async (stream, token) =>
        {
            var session = _sessions[stream % plan.Concurrency];
            var thread = await _rest.CreateThreadAsync(session, token);
            await _rest.AddMessageAsync(session, thread, prompt, token);
            turns[stream] = CreateTurn(api.Address, session, thread);
        });
        return turns;
    }

    public static TurnRequest CreateTurn(Uri api, string session, string thread) =>
        new(new Uri(api, "api/chat"), JsonSerializer.SerializeToUtf8Bytes(new { threadId = thread, sessionId = session }), Dialect.Sendcat);

    public void Dispose() => _rest.Dispose();
}
