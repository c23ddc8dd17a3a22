using System.Reflection;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Hosting;
using Sendcat.ApiService.Chat.Record;
using Sendcat.Integrations.Tools;
using Sendcat.Monitor.Watch;
using Sendcat.Reliability.Timing;
using Sendcat.Reliability.ToolJobs.Messages;
using Sendcat.ServiceDefaults.Broker;
using Sendcat.ToolWorker.Jobs;

namespace Sendcat.UnitTests.Architecture;

/// <summary>
/// An exception that leaves a <see cref="BackgroundService"/> stops the host. So every one of them repeats its work in a
/// <see cref="BackgroundLoop"/>, which no exception of a round ends.
/// </summary>
public sealed partial class BackgroundServiceTests
{
    /// <summary>Services with other loops, and the type whose loop catches every exception.</summary>
    private static readonly Dictionary<Type, Type> Others = new()
    {
        // Goes on after the stop until everything is written. An exception of a commit rejects the turn that causes it.
        [typeof(TurnJournal)] = typeof(TurnJournal),

        // One loop for each lane. An unexpected exception also closes the lane's channel to the broker.
        [typeof(OutboxPublisher)] = typeof(LanePublisher),
        [typeof(Lanes)] = typeof(LaneRunner),
    };

    private static readonly Assembly[] Assemblies =
    [
        typeof(TurnJournal).Assembly, typeof(BackgroundLoop).Assembly, typeof(Lanes).Assembly, typeof(ApiWatcher).Assembly,
        typeof(QueuedTool).Assembly, typeof(BrokerConnection).Assembly,
    ];

    /// <summary>A service that derives from another one of ours has that one's loop.</summary>
    public static TheoryData<Type> Services =>
    [
        .. Assemblies.SelectMany(assembly => assembly.GetTypes())
            .Where(type => type.IsSubclassOf(typeof(BackgroundService))
                && type.GetMethod(
                    "ExecuteAsync", BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.DeclaredOnly, [typeof(CancellationToken)])
                    is not null),
    ];

    [Theory]
    [MemberData(nameof(Services))]
    public void A_background_service_repeats_its_work_in_a_loop_that_no_exception_ends(Type service)
    {
        if (Others.TryGetValue(service, out var loop))
        {
            Assert.Matches(CatchesEverything(), SourceOf(loop));
            return;
        }

        var source = SourceOf(service);
        Assert.Contains("new BackgroundLoop(", source, StringComparison.Ordinal);
        var main = MainMethod().Match(source);
        Assert.True(main.Success, $"{service} has no method ExecuteAsync.");
        Assert.DoesNotMatch(OwnLoop(), main.Value);
    }

    [Fact]
    public void Every_service_with_another_loop_exists() =>
        Assert.Empty(Others.Keys.Except(Services.Select(row => row.Data)));

    /// <summary>The namespace equals the folder, and the file has the name of the type.</summary>
    private static string SourceOf(Type type)
    {
        var project = type.Assembly.GetName().Name!;
        var folder = type.Namespace![project.Length..].Trim('.').Replace('.', Path.DirectorySeparatorChar);
        return File.ReadAllText(Path.Combine(Repository.Root, project, folder, $"{type.Name}.cs"));
    }

    /// <summary>The method up to the next member.</summary>
    [GeneratedRegex(
        @"protected override (async )?Task ExecuteAsync\(.*?\n(?=\r?\n    (public|private|protected|internal|///)|\})",
        RegexOptions.Singleline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex MainMethod();

    [GeneratedRegex(@"\b(while|for|do)\b", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex OwnLoop();

    /// <summary>A catch of <see cref="Exception"/> without a filter.</summary>
    [GeneratedRegex(@"catch \(Exception( \w+)?\)\s*(#pragma[^\n]*\s*)?\{", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex CatchesEverything();
}
