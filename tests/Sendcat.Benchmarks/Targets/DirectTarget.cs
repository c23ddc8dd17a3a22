using System.Text.Json;
using Sendcat.Benchmarks.Load;

namespace Sendcat.Benchmarks.Targets;

/// <summary>The path client → emulator. A proxy gets the same requests at another address.</summary>
internal class DirectTarget(string name, Uri address) : ITarget
{
    public string Name => name;

    public virtual int? ProcessId => null;

    public IReadOnlyList<int> StoreProcessIds => [];

    public Task<IReadOnlyList<TurnRequest>> PrepareAsync(LoadPlan plan, string prompt, CancellationToken cancellationToken)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(
            new { model = "moonshotai/kimi-k2.5", stream = true, messages = new[] { new { role = "user", content = prompt } } });
        var turn = new TurnRequest(new Uri(address, "openrouter/api/v1/chat/completions"), body, Dialect.OpenRouter, Bearer: "benchmark");
        return Task.FromResult<IReadOnlyList<TurnRequest>>([.. Enumerable.Repeat(turn, plan.Streams)]);
    }
}
