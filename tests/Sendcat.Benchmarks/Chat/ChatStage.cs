using Sendcat.Benchmarks.Stage;

namespace Sendcat.Benchmarks.Chat;

/// <summary>All that is compared, running side by side.</summary>
internal sealed class ChatStage : IAsyncDisposable
{
    private readonly Stack<object> owned = new();
    private readonly List<ITarget> targets = [];

    public static async Task<ChatStage> StartAsync(ChatOptions options, CancellationToken cancellationToken)
    {
        var stage = new ChatStage();
        try
        {
            await stage.AddAsync(options, cancellationToken);
            return stage;
        }
        catch
        {
            await stage.DisposeAsync();
            throw;
        }
    }

    /// <summary>Every round begins with another target, so that none always follows the same one.</summary>
    public IEnumerable<ITarget> TargetsOf(int round) => Enumerable.Range(0, targets.Count).Select(n => targets[(n + round) % targets.Count]);

    public async ValueTask DisposeAsync()
    {
        while (owned.TryPop(out var part))
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
        targets.Add(new DirectTarget("direct", emulator.Http1));
        foreach (var kind in options.Targets.Where(name => name is "yarp" or "copy"))
        {
            targets.Add(Own(await ProxyTarget.StartAsync(kind, emulator.Http1)));
        }

        if (options.Targets.Contains("sendcat"))
        {
            var api = Own(await SendcatApi.StartAsync(emulator.Http1, options.Settings, cancellationToken));
            targets.Add(Own(new SendcatTarget(api)));
        }
    }

    private T Own<T>(T part)
        where T : notnull
    {
        owned.Push(part);
        return part;
    }
}
