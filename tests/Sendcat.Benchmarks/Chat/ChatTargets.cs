using Sendcat.Benchmarks.Targets;

namespace Sendcat.Benchmarks.Chat;

/// <summary>All targets that are compared. They run at the same time.</summary>
internal sealed class ChatTargets : IAsyncDisposable
{
    private readonly Stack<object> _owned = new();
    private readonly List<ITarget> _targets = [];

    public static async Task<ChatTargets> StartAsync(ChatOptions options, CancellationToken cancellationToken)
    {
        var started = new ChatTargets();
        try
        {
            await started.AddAsync(options, cancellationToken);
            return started;
        }
        catch
        {
            await started.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// The targets in the order of a round. Each round begins with another target, so that no target always follows the same one.
    /// </summary>
    public IEnumerable<ITarget> OfRound(int round) =>
        Enumerable.Range(0, _targets.Count).Select(n => _targets[(n + round) % _targets.Count]);

    public async ValueTask DisposeAsync()
    {
        while (_owned.TryPop(out var part))
        {
            switch (part)
            {
                case IAsyncDisposable asynchronous: await asynchronous.DisposeAsync(); break;
                case IDisposable synchronous: synchronous.Dispose(); break;
            }
        }
    }

    private async Task AddAsync(ChatOptions options, CancellationToken cancellationToken)
    {
        var emulator = Own(await Emulator.StartAsync());
        _targets.Add(new DirectTarget("direct", emulator.Http1));
        foreach (var kind in options.Targets.Where(name => name is "yarp" or "copy"))
        {
            _targets.Add(Own(await ProxyTarget.StartAsync(kind, emulator.Http1)));
        }

        if (options.Targets.Contains("sendcat"))
        {
            var api = Own(await SendcatApi.StartAsync(emulator.Http1, options.Settings, cancellationToken));
            _targets.Add(Own(new SendcatTarget(api)));
        }
    }

    private T Own<T>(T part)
        where T : notnull
    {
        _owned.Push(part);
        return part;
    }
}
