using Sendcat.Attacks.Attacks;
using Sendcat.Attacks.Stage;
using Sendcat.TestKit.Stores;

namespace Sendcat.AttackTests;

/// <summary>Each attack in its short form, beside honest users. docs/security.md tells what each one is about, and how to measure it.</summary>
public sealed class AttackTests(SharedStores stores, AttackedSystemFixture shared) : IClassFixture<AttackedSystemFixture>
{
    private static readonly TimeSpan Load = TimeSpan.FromSeconds(1.5);

    [Fact]
    public Task Attack_01_Idle_sockets_do_not_crash_the_api() => IsWithstoodAsync(new IdleSockets());

    [Fact]
    public Task Attack_02_No_model_output_breaks_a_stream() => IsWithstoodAsync(new BreakingEvents());

    [Fact]
    public Task Attack_03_One_address_does_not_take_every_place() => IsWithstoodAsync(new EveryPlace());

    [Fact]
    public Task Attack_04_A_chosen_model_opens_nobody_elses_circuit() => IsWithstoodAsync(new OthersCircuit());

    [Fact]
    public Task Attack_05_Ownership_checks_of_a_huge_thread_slow_nobody() => IsWithstoodAsync(new OwnershipChecks());

    [Fact]
    public Task Attack_06_Guests_do_not_spend_the_operators_money() => IsWithstoodAsync(new OperatorsMoney());

    [Fact]
    public Task Attack_07_A_stranger_makes_no_500() => IsWithstoodAsync(new FiveHundreds());

    [Fact]
    public Task Attack_08_Password_hashes_do_not_saturate_the_cores() => IsWithstoodAsync(new PasswordFlood());

    [Fact]
    public Task Attack_09_Nobody_escapes_the_limits() => IsWithstoodAsync(new AllLimits());

    [Fact]
    public Task Attack_10_A_guessed_session_opens_nothing() => IsWithstoodAsync(new GuessedSession());

    [Fact]
    public Task Attack_11_The_operator_key_teaches_no_other_secret() => IsWithstoodAsync(new OperatorSecrets());

    [Fact]
    public Task Attack_12_Neither_answers_nor_readers_fill_the_memory() => IsWithstoodAsync(new FilledMemory());

    [Fact]
    public Task Attack_13_Nobody_slips_past_origin_and_output_checks() => IsWithstoodAsync(new OriginsAndOutput());

    [Fact]
    public Task Attack_14_Whoever_is_thrown_out_stays_out() => IsWithstoodAsync(new ThrownOut());

    [Fact]
    public Task Attack_15_Accounts_are_neither_told_apart_nor_locked() => IsWithstoodAsync(new TellingAccountsApart());

    [Fact]
    public Task Attack_16_Nothing_leaks_beside_the_answers() => IsWithstoodAsync(new Leaks());

    private async Task IsWithstoodAsync(Attack attack)
    {
        await using var own = attack.Own is { } options ? await AttackedSystem.StartAsync(stores, options.With(attack.Knobs).With(BusyMachine.Knobs)) : null;

        var report = await AttackRunner.RunAsync(attack, own ?? shared.System, Load, alone: TimeSpan.Zero, TestContext.Current.CancellationToken);

        Assert.True(report.Passed, report.ToString());
    }
}
