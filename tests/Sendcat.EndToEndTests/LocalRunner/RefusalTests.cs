using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Sendcat.EndToEndTests.LocalRunner;

public sealed class RefusalTests : IDisposable
{
    private readonly DirectoryInfo _state = Directory.CreateTempSubdirectory("sendcat-refused-");

    public void Dispose() => _state.Delete(recursive: true);

    [Theory]
    [InlineData("--publisher=manifest", "UseAspire=true")]
    [InlineData("--infra=containers", "Containers need the Aspire flavour")]
    [InlineData("--infra=elsewhere", "not 'elsewhere'")]
    public async Task What_this_runner_does_not_do_it_says_in_one_sentence(string argument, string part)
    {
        var refusal = await Assert.ThrowsAsync<DistributedApplicationException>(() => CreateAsync(argument));

        Assert.Contains(part, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_taken_port_ends_the_start_with_exit_code_2()
    {
        using var holder = new TcpListener(IPAddress.Loopback, 0);
        holder.Start();
        var portBase = ((IPEndPoint)holder.LocalEndpoint).Port - 80;

        var refusal = await Assert.ThrowsAsync<DistributedApplicationException>(() => CreateAsync("--infra=external", string.Create(CultureInfo.InvariantCulture, $"--SENDCAT_PORT_BASE={portBase}")));

        Assert.Contains("'2'", refusal.Message, StringComparison.Ordinal);
    }

    private Task CreateAsync(params string[] arguments) => DistributedApplicationTestingBuilder.CreateAsync<Projects.Sendcat_AppHost>([.. arguments, $"--SENDCAT_STATE={_state.FullName}"]);
}
