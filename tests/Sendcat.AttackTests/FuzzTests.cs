using Sendcat.Attacks.Fuzz;
using Sendcat.Attacks.Target;
using Sendcat.TestKit.Stores;

namespace Sendcat.AttackTests;

/// <summary>Short runs of the fuzzer: one with a fixed seed and one with a random seed.</summary>
public sealed class FuzzTests(SharedStores stores)
{
    private const int Requests = 1_500;
    private const int FixedSeed = 20_261_125;

    [Fact]
    public async Task No_request_gets_an_undeclared_fault_a_hang_an_exception_or_a_secret()
    {
        await using var system = await AttackedSystem.StartAsync(stores, SystemOptions.Default.With(BusyMachine.Knobs), honest: 0);
        foreach (var seed in new[] { FixedSeed, Random.Shared.Next() })
        {
            var report = await Fuzzer.RunAsync(system, new(Requests, seed), cancellationToken: TestContext.Current.CancellationToken);

            TestContext.Current.SendDiagnosticMessage("{0}", report);
            Assert.True(report.Passed, report.ToString());
        }
    }
}
