using System.Reflection;
using Sendcat.AppHost;

namespace Sendcat.EndToEndTests;

/// <summary>Tests of the ports that belong to a port base. They start no process.</summary>
public sealed class LocalPortsTests
{
    /// <summary>The first port that Linux uses for outgoing connections (net.ipv4.ip_local_port_range).</summary>
    private const int FirstEphemeralPort = 32_768;

    /// <summary>The complete list of the section "port blocking" of the Fetch standard.</summary>
    private static readonly HashSet<int> Blocked =
    [
        0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110, 111, 113, 115,
        117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587,
        601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679,
        6697, 10080,
    ];

    public static TheoryData<int> DefaultBases => [.. LocalPorts.DefaultBases];

    [Theory]
    [MemberData(nameof(DefaultBases))]
    public void No_default_base_puts_a_page_on_a_port_that_browsers_block(int @base)
    {
        var ports = new LocalPorts(@base);

        Assert.Null(ports.Problem());
        Assert.DoesNotContain(ports.Pages, page => Blocked.Contains(page.Port));
    }

    [Fact]
    public void A_base_is_refused_exactly_when_it_is_out_of_range_or_puts_a_page_on_a_blocked_port()
    {
        var misjudged = Enumerable.Range(0, 65_536).Select(number => new LocalPorts(number)).Where(ports =>
        {
            var usable = ports.Base is >= LocalPorts.LowestBase and <= LocalPorts.HighestBase
                && !ports.Pages.Any(page => Blocked.Contains(page.Port));
            return usable != ports.Problem() is null;
        });

        Assert.Empty(misjudged.Select(ports => ports.Base));
    }

    [Fact]
    public void Every_port_of_every_allowed_base_lies_in_its_block_and_below_the_ephemeral_ports()
    {
        for (var number = LocalPorts.LowestBase; number <= LocalPorts.HighestBase; number++)
        {
            Assert.All(
                new LocalPorts(number).All,
                port => Assert.InRange(port.Port, number, Math.Min(number + LocalPorts.Block, FirstEphemeralPort) - 1));
        }
    }

    [Fact]
    public void Every_port_is_listed_once()
    {
        var ports = new LocalPorts(LocalPorts.DefaultBases[0]);
        var declared = typeof(LocalPorts).GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(property => property.PropertyType == typeof(int) && property.Name != nameof(LocalPorts.Base))
            .Select(property => (int)property.GetValue(ports)!);

        Assert.Equal(declared.Order(), ports.All.Select(port => port.Port).Order());
        Assert.Distinct(ports.All.Select(port => port.Port));
        Assert.Distinct(ports.All.Select(port => port.Use));
    }

    [Fact]
    public void Blocks_of_the_default_bases_do_not_overlap() =>
        Assert.All(
            LocalPorts.DefaultBases.Zip(LocalPorts.DefaultBases.Skip(1)),
            pair => Assert.True(pair.Second - pair.First >= LocalPorts.Block));

    [Fact]
    public void A_refusal_names_the_page_and_its_port()
    {
        var problem = new LocalPorts(5050).Problem();

        Assert.Contains("dashboard", problem, StringComparison.Ordinal);
        Assert.Contains("5060", problem, StringComparison.Ordinal);
    }
}
