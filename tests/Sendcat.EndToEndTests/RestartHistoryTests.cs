using Sendcat.AppHost;

namespace Sendcat.EndToEndTests;

/// <summary>Tests of when an ended process is restarted, and after which pause. They start no process.</summary>
public sealed class RestartHistoryTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Pauses_grow_from_1_to_30_seconds()
    {
        var pauses = new List<double>();
        var history = new RestartHistory();
        for (var round = 0; round < 8; round++)
        {
            (history, _) = history.After(KnownResourceStates.Starting, Start);
            (history, _) = history.After(KnownResourceStates.Running, Start);
            (history, var pause) = history.After(KnownResourceStates.Finished, Start.AddSeconds(1));
            pauses.Add(pause!.Value.TotalSeconds);
        }

        Assert.Equal([1, 2, 4, 8, 16, 30, 30, 30], pauses);
    }

    [Fact]
    public void After_one_minute_in_state_running_the_pause_is_1_second_again()
    {
        var ended = Replay(
            (KnownResourceStates.Running, 0), (KnownResourceStates.Exited, 1), (KnownResourceStates.Running, 2),
            (KnownResourceStates.Exited, 3),
            (KnownResourceStates.Running, 5));

        var almostAMinute = ended.After(KnownResourceStates.Exited, Start.AddSeconds(64));
        var aMinute = ended.After(KnownResourceStates.Exited, Start.AddSeconds(65));

        Assert.Equal(TimeSpan.FromSeconds(4), almostAMinute.Pause);
        Assert.Equal(TimeSpan.FromSeconds(1), aMinute.Pause);
        Assert.Equal(1, aMinute.Next.Restarts);
    }

    [Fact]
    public void The_minute_counts_from_the_first_report_of_running()
    {
        var history = Replay(
            (KnownResourceStates.Running, 0), (KnownResourceStates.Exited, 1), (KnownResourceStates.Running, 2),
            (KnownResourceStates.Running, 30),
            (KnownResourceStates.Running, 60));

        Assert.Equal(TimeSpan.FromSeconds(1), history.After(KnownResourceStates.Exited, Start.AddSeconds(62)).Pause);
    }

    [Theory]
    [MemberData(nameof(TerminalStates))]
    public void Every_terminal_state_causes_a_restart(string state) =>
        Assert.Equal(TimeSpan.FromSeconds(1), Replay((KnownResourceStates.Running, 0)).After(state, Start).Pause);

    [Fact]
    public void A_process_that_failed_to_start_is_restarted() =>
        Assert.Equal(TimeSpan.FromSeconds(1), new RestartHistory().After(KnownResourceStates.FailedToStart, Start).Pause);

    [Fact]
    public void A_process_stopped_by_a_command_is_not_restarted()
    {
        var stopping = Replay((KnownResourceStates.Running, 0), (KnownResourceStates.Stopping, 1));

        var (stopped, pause) = stopping.After(KnownResourceStates.Exited, Start.AddSeconds(2));

        Assert.Null(pause);
        Assert.Null(stopped.After(KnownResourceStates.Exited, Start.AddSeconds(3)).Pause);
        Assert.Null(stopped.After(KnownResourceStates.Finished, Start.AddSeconds(4)).Pause);
    }

    [Fact]
    public void A_process_started_again_by_a_command_is_restarted_with_the_shortest_pause()
    {
        var history = Replay(
            (KnownResourceStates.Running, 0), (KnownResourceStates.Exited, 1), (KnownResourceStates.Running, 2),
            (KnownResourceStates.Exited, 3), (KnownResourceStates.Running, 5), (KnownResourceStates.Stopping, 6),
            (KnownResourceStates.Exited, 7), (KnownResourceStates.Starting, 8),
            (KnownResourceStates.Running, 9));

        Assert.Equal(TimeSpan.FromSeconds(1), history.After(KnownResourceStates.Finished, Start.AddSeconds(10)).Pause);
    }

    [Fact]
    public void A_state_that_is_reported_again_changes_nothing()
    {
        var ended = Replay((KnownResourceStates.Running, 0), (KnownResourceStates.Finished, 1));

        var (repeated, pause) = ended.After(KnownResourceStates.Finished, Start.AddSeconds(1));
        var (alsoExited, second) = repeated.After(KnownResourceStates.Exited, Start.AddSeconds(2));

        Assert.Null(pause);
        Assert.Null(second);
        Assert.Equal(ended, alsoExited);
    }

    [Fact]
    public void States_before_running_change_nothing()
    {
        var ended = Replay((KnownResourceStates.Running, 0), (KnownResourceStates.Finished, 1));

        Assert.All(
            [KnownResourceStates.NotStarted, KnownResourceStates.Waiting, KnownResourceStates.Starting, KnownResourceStates.Building],
            state => Assert.Equal((ended, null), ended.After(state, Start)));
    }

    public static TheoryData<string> TerminalStates => [.. KnownResourceStates.TerminalStates];

    private static RestartHistory Replay(params (string State, int Second)[] states) =>
        states.Aggregate(new RestartHistory(), (history, entry) => history.After(entry.State, Start.AddSeconds(entry.Second)).Next);
}
