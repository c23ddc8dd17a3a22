using Sendcat.LocalRunner.Running;
using Sendcat.LocalRunner.State;

namespace Sendcat.EndToEndTests.LocalRunner;

public sealed class ExpressionTests
{
    private readonly IDistributedApplicationBuilder _builder = DistributedApplication.CreateBuilder(["--Parameters:region=eu-1", "--ConnectionStrings:redis=127.0.0.1:1"]);

    [Fact]
    public async Task An_expression_is_filled_when_it_is_asked_for()
    {
        var password = _builder.AddParameter("password", "{s3cret}", secret: true);
        var server = _builder.AddExecutable("server", "true", ".").WithEndpoint(port: 4711, scheme: "tcp", name: "tcp", isProxied: false);

        var expression = ReferenceExpression.Create($"{server.GetEndpoint("tcp").Property(EndpointProperty.HostAndPort)},password={password},{{braces}}");

        Assert.Equal("127.0.0.1:4711,password={s3cret},{braces}", await expression.GetValueAsync());
    }

    [Fact]
    public async Task A_parameter_takes_its_configured_value_or_says_which_key_is_missing()
    {
        var region = _builder.AddParameter("region", new GenerateParameterDefault { MinLength = 8 });
        var absent = _builder.AddParameter("not-there");

        Assert.Equal("eu-1", await region.Resource.GetValueAsync(default));
        var missing = await Assert.ThrowsAsync<MissingParameterValueException>(async () => await absent.Resource.GetValueAsync(default));
        Assert.Contains("Parameters__not_there", missing.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task References_become_the_environment_that_clients_read()
    {
        var redis = _builder.AddConnectionString("redis");
        var api = _builder.AddResource(new ProjectResource("chat-api")).WithHttpEndpoint(port: 5080);
        var client = _builder.AddExecutable("client", "true", ".").WithReference(redis).WithReference(api);

        var plan = await ProcessPlan.OfAsync(client.Resource, "client", 0, new StateFolder("/nowhere"), default);

        Assert.Equal("127.0.0.1:1", plan.Environment["ConnectionStrings__redis"]);
        Assert.Equal("http://127.0.0.1:5080", plan.Environment["services__chat-api__http__0"]);
        Assert.Equal("http://127.0.0.1:5080", plan.Environment["CHAT_API_HTTP"]);
        Assert.Equal("client", plan.Environment["OTEL_SERVICE_NAME"]);
    }

    [Fact]
    public async Task Secrets_are_masked_in_what_a_process_prints()
    {
        _builder.AddParameter("key", "hunter2-hunter2", secret: true);
        _builder.AddParameter("region", "eu-1");

        var mask = await SecretMask.OfAsync(_builder.Resources, default);

        Assert.Equal("key *** in eu-1", mask.Apply("key hunter2-hunter2 in eu-1"));
    }
}
