using Sendcat.KillRig.Faults;
using Sendcat.KillRig.Rig;
using Sendcat.KillRig.Verdict;

namespace Sendcat.IntegrationTests.ToolJobs;

/// <summary>How the kill rig measures the time until the jobs of a killed worker run again.</summary>
public sealed class KillRigRecoveriesTests
{
    private const string Tool = "search_global";
    private const int Killed = 1;
    private const int Live = 2;

    private static readonly DateTimeOffset Kill = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly RigOptions Options = new() { Length = TimeSpan.FromSeconds(1), Seed = 1 };

    private readonly Guid _job = Guid.NewGuid();
    private readonly List<JobLeaseRow> _leases = [];
    private readonly List<RequeueRow> _requeues = [];
    private readonly List<Stall> _stalls = [];

    public KillRigRecoveriesTests()
    {
        _leases.Add(new(_job, Tool, 1, Killed, At(-1)));
        _requeues.Add(new(_job, 1, Due: At(7), At: At(6)));
        _leases.Add(new(_job, Tool, 2, Live, At(25)));
    }

    [Fact]
    public void The_report_says_when_the_job_was_due_and_when_it_was_leased()
    {
        var recovery = Measured();

        Assert.Equal(TimeSpan.FromSeconds(7), recovery.Due);
        Assert.Equal(TimeSpan.FromSeconds(25), recovery.After);
        Assert.EndsWith(
            "due again after 7.00 s, leased after 25.00 s, the rig stalled for 0.00 s", $"{recovery}", StringComparison.Ordinal);
    }

    [Fact]
    public void Stalls_between_the_kill_and_the_lease_are_shown_and_not_subtracted()
    {
        _stalls.Add(new(Until: At(2), TimeSpan.FromSeconds(3)));
        _stalls.Add(new(Until: At(20), TimeSpan.FromSeconds(4)));
        _stalls.Add(new(Until: At(40), TimeSpan.FromSeconds(4)));

        var recovery = Measured();

        Assert.Equal(TimeSpan.FromSeconds(6), recovery.Stalled);
        Assert.Equal(TimeSpan.FromSeconds(25), recovery.After);
    }

    [Fact]
    public void A_job_that_never_runs_again_took_for_ever()
    {
        _leases.RemoveAt(1);
        _stalls.Add(new(Until: At(90), TimeSpan.FromSeconds(80)));

        Assert.Equal(TimeSpan.MaxValue, Measured().After);
    }

    private static DateTimeOffset At(double seconds) => Kill + TimeSpan.FromSeconds(seconds);

    private Recovery Measured() => Assert.Single(
        Recoveries.In([new(Victim.Worker, 0, Harm.Killed, Killed, At(0), At(5), Watched: true)], _leases, _requeues, [], _stalls, Options));
}
