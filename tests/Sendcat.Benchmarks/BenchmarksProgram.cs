using System.CommandLine;
using Sendcat.Benchmarks.Admission;
using Sendcat.Benchmarks.Chat;
using Sendcat.Benchmarks.ColdStart;
using Sendcat.Benchmarks.Hold;
using Sendcat.Benchmarks.Jobs;
using Sendcat.Benchmarks.MailboxSync;
using Sendcat.Benchmarks.MailTexts;
using Sendcat.Benchmarks.Mixture;
using Sendcat.Benchmarks.Ops;
using Sendcat.Benchmarks.Proxies;
using Sendcat.Benchmarks.Slo;
using Sendcat.Benchmarks.Webhooks;

namespace Sendcat.Benchmarks;

/// <summary>
/// The entry point: <c>dotnet run -c Release --project tests/Sendcat.Benchmarks --
/// chat|hold|mixture|admission|jobs|flood|dead-upstream|webhooks|mailbox|mail-texts|first-message|slo|snapshot|dlq --help</c>.
/// docs/performance.md describes the method.
/// </summary>
internal static class BenchmarksProgram
{
    private static Task<int> Main(string[] args) =>
        new RootCommand("Measures the cost of Sendcat as ratios to a reference that is measured in the same run.")
        {
            ChatBenchmark.Command(),
            HoldBenchmark.Command(),
            MixtureCheck.Command(),
            AdmissionBenchmark.Command(),
            JobsBenchmark.Command(),
            FloodBenchmark.Command(),
            DeadUpstreamBenchmark.Command(),
            WebhookBenchmark.Command(),
            MailboxBenchmark.Command(),
            MailTextBenchmark.Command(),
            FirstMessageBenchmark.Command(),
            SloBenchmark.Command(),
            SnapshotBenchmark.Command(),
            DlqBenchmark.Command(),
            ProxyCommand.Create(),
            PlainUpstream.Command(),
        }.Parse(args).InvokeAsync();
}
