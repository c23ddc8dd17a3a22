using Sendcat.Attacks.Attacks;
using Sendcat.Attacks.Target;
using Sendcat.TestKit.Stores;

namespace Sendcat.AttackTests;

/// <summary>A short run of each attack, beside honest users. docs/security.md describes the attacks and how to measure them.</summary>
public sealed class AttackTests(SharedStores stores, AttackedSystemFixture shared) : IClassFixture<AttackedSystemFixture>
{
    private static readonly TimeSpan FloodTime = TimeSpan.FromSeconds(1.5);

    [Fact]
    public Task Attack_01_Idle_sockets_do_not_crash_the_api() => AssertWithstoodAsync(new IdleSockets());

    [Fact]
    public Task Attack_02_No_model_output_corrupts_a_stream() => AssertWithstoodAsync(new MalformedModelOutput());

    [Fact]
    public Task Attack_03_One_address_does_not_take_all_slots() => AssertWithstoodAsync(new SlotExhaustion());

    [Fact]
    public Task Attack_04_A_chosen_model_opens_no_circuit_for_other_callers() => AssertWithstoodAsync(new ChosenModelCircuit());

    [Fact]
    public Task Attack_05_Ownership_checks_of_a_huge_thread_do_not_slow_other_chats() => AssertWithstoodAsync(new OwnershipChecks());

    [Fact]
    public Task Attack_06_Guests_do_not_spend_the_operators_money() => AssertWithstoodAsync(new BudgetExhaustion());

    [Fact]
    public Task Attack_07_An_anonymous_caller_causes_no_500_response() => AssertWithstoodAsync(new MalformedRequests());

    [Fact]
    public Task Attack_08_Password_hashes_do_not_saturate_the_cores() => AssertWithstoodAsync(new PasswordFlood());

    [Fact]
    public Task Attack_09_No_caller_evades_the_limits() => AssertWithstoodAsync(new LimitEvasion());

    [Fact]
    public Task Attack_10_A_guessed_session_gives_no_access() => AssertWithstoodAsync(new GuessedSession());

    [Fact]
    public Task Attack_11_The_operator_key_reveals_no_other_secret() => AssertWithstoodAsync(new OperatorSecrets());

    [Fact]
    public Task Attack_12_Neither_responses_nor_slow_readers_exhaust_the_memory() => AssertWithstoodAsync(new MemoryExhaustion());

    [Fact]
    public Task Attack_13_Origin_and_output_checks_are_not_evaded() => AssertWithstoodAsync(new OriginsAndOutput());

    [Fact]
    public Task Attack_14_Stolen_tokens_are_invalid_after_the_sign_out() => AssertWithstoodAsync(new StolenTokens());

    [Fact]
    public Task Attack_15_Accounts_are_neither_detected_nor_locked() => AssertWithstoodAsync(new AccountEnumeration());

    [Fact]
    public Task Attack_16_Headers_documents_and_outgoing_calls_leak_nothing() => AssertWithstoodAsync(new InformationLeaks());

    private async Task AssertWithstoodAsync(Attack attack)
    {
        await using var own = attack.OwnSystem is { } options
            ? await AttackedSystem.StartAsync(stores, options.With(attack.Knobs).With(BusyMachine.Knobs))
            : null;

        var report = await AttackRunner.RunAsync(
            attack, own ?? shared.System, FloodTime, baselineTime: TimeSpan.Zero, TestContext.Current.CancellationToken);

        Assert.True(report.Passed, report.ToString());
    }
}
