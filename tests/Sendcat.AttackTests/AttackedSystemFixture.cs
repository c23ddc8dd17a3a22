using Sendcat.Attacks.Attacks;
using Sendcat.Attacks.Stage;
using Sendcat.TestKit.Stores;

[assembly: AssemblyFixture(typeof(SharedStores))]
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace Sendcat.AttackTests;

/// <summary>The system that attacks which leave nothing behind share.</summary>
public sealed class AttackedSystemFixture(SharedStores stores) : IAsyncLifetime
{
    internal AttackedSystem System { get; private set; } = null!;

    public async ValueTask InitializeAsync() => System = await AttackedSystem.StartAsync(stores, (SystemOptions.Default with { Tools = true }).With(AttackList.SharedKnobs).With(BusyMachine.Knobs));

    public ValueTask DisposeAsync() => System.DisposeAsync();
}

internal static class BusyMachine
{
    /// <summary>A machine that is busy with tests may keep Redis waiting; what happens then has tests of its own.</summary>
    public static readonly IReadOnlyDictionary<string, string> Knobs = new Dictionary<string, string> { ["REDIS_DECISION_TIMEOUT_MS"] = "1000" };
}
