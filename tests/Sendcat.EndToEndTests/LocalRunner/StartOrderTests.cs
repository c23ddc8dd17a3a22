using Sendcat.LocalRunner.Running;

namespace Sendcat.EndToEndTests.LocalRunner;

public sealed class StartOrderTests
{
    private readonly IDistributedApplicationBuilder _builder = DistributedApplication.CreateBuilder();

    [Fact]
    public void What_is_waited_for_comes_first()
    {
        var store = Program("store");
        var api = Program("api").WaitFor(store);
        var worker = Program("worker").WaitFor(api).WaitFor(store);
        var lonely = Program("lonely");

        var layers = StartOrder.Layers(_builder.Resources);

        Assert.Equal([[store.Resource, lonely.Resource], [api.Resource], [worker.Resource]], layers);
    }

    [Fact]
    public void Two_that_wait_for_each_other_are_named()
    {
        var first = Program("first");
        var second = Program("second").WaitFor(first);
        first.WaitFor(second);

        var refusal = Assert.Throws<DistributedApplicationException>(() => StartOrder.Layers(_builder.Resources));

        Assert.Equal("These wait for each other: first, second.", refusal.Message);
    }

    [Fact]
    public void Two_resources_of_one_name_are_refused()
    {
        Program("api");

        Assert.Throws<DistributedApplicationException>(() => Program("API"));
    }

    [Theory]
    [InlineData(1, 0.5)]
    [InlineData(2, 1)]
    [InlineData(5, 8)]
    [InlineData(50, 30)]
    public void A_process_that_keeps_ending_waits_longer_each_time(int failures, double seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), RestartBackoff.Delay(failures));

    private IResourceBuilder<ExecutableResource> Program(string name) => _builder.AddExecutable(name, "true", ".");
}
