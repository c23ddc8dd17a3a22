using Sendcat.Reliability.Redis;
using Sendcat.Reliability.ToolJobs.Ledger;

namespace Sendcat.UnitTests.ToolJobs;

/// <summary>The name of a worker in job rows.</summary>
public sealed class LeaseOwnerTests
{
    [Fact]
    public void The_name_has_machine_process_and_replica()
    {
        var replica = ReplicaId.New();

        var owner = LeaseOwner.Of(replica).ToString();

        Assert.Equal($"{Environment.MachineName}:{Environment.ProcessId}:{replica}", owner);
        Assert.Equal(replica, LeaseOwner.ReplicaOf(owner));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("worker")]
    [InlineData("vm:4711")]
    [InlineData("vm:4711:01a21c62")]
    public void An_owner_without_a_replica_names_none(string? owner) => Assert.Null(LeaseOwner.ReplicaOf(owner));
}
