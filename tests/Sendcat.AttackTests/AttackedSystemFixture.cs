using Sendcat.Attacks.Attacks;
using Sendcat.Attacks.Target;
using Sendcat.TestKit.Stores;

[assembly: AssemblyFixture(typeof(SharedStores))]
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace Sendcat.AttackTests;

/// <summary>The system for all attacks that do not need a separate one.</summary>
public sealed class AttackedSystemFixture(SharedStores stores) : IAsyncLifetime
{
    internal AttackedSystem System { get; private set; } = null!;

    public async ValueTask InitializeAsync() =>
        System = await AttackedSystem.StartAsync(
            stores, (SystemOptions.Default with { Tools = true }).With(AttackList.SharedKnobs).With(BusyMachine.Knobs));

    public ValueTask DisposeAsync() => System.DisposeAsync();
}

internal static class BusyMachine
{
    /// <summary>Redis may respond late on a machine that runs tests. Other tests check the behaviour in this case.</summary>
    public static readonly IReadOnlyDictionary<string, string> Knobs = new Dictionary<string, string>
    {
        ["REDIS_DECISION_TIMEOUT_MS"] = "1000",
    };
}
