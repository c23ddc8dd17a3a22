using System.Collections.Concurrent;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Lanes;
using Sendcat.ToolWorker.Jobs;

namespace Sendcat.IntegrationTests.ToolJobs;

/// <summary>A tool handler that runs a function of the test.</summary>
internal sealed class ScriptedTool(ToolLane lane, Func<string, CancellationToken, Task<ToolResult>> script) : IToolHandler
{
    private readonly ConcurrentQueue<string> _runs = [];

    public ToolLane Lane => lane;

    /// <summary>The arguments of all attempts, in the order of their starts.</summary>
    public IReadOnlyList<string> Runs => [.. _runs];

    /// <summary>Returns its arguments as the result.</summary>
    public static ScriptedTool Echo(ToolLane lane) =>
        new(lane, (arguments, _) => Task.FromResult<ToolResult>(new ToolResult.Done(arguments, Cacheable: true)));

    /// <summary>Fails every attempt with this error.</summary>
    public static ScriptedTool Failing(ToolLane lane, string error, bool retryable = true) =>
        new(lane, (_, _) => Task.FromResult<ToolResult>(new ToolResult.Failed(error, retryable)));

    /// <summary>Adds an echo for every lane without a tool, because every lane needs a handler.</summary>
    public static IReadOnlyList<IToolHandler> WithEchoes(params ReadOnlySpan<IToolHandler> tools)
    {
        var all = new List<IToolHandler>();
        foreach (var tool in tools)
        {
            all.Add(tool);
        }

        all.AddRange(QueuedTool.All.Select(tool => tool.Lane).Where(lane => all.All(tool => tool.Lane != lane)).Select(Echo).ToArray());
        return all;
    }

    public Task<ToolResult> RunAsync(string arguments, CancellationToken cancellationToken)
    {
        _runs.Enqueue(arguments);
        return script(arguments, cancellationToken);
    }
}
