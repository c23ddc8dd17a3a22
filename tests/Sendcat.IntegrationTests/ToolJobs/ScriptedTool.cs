using System.Collections.Concurrent;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.ToolJobs;
using Sendcat.ToolWorker.Jobs;

namespace Sendcat.IntegrationTests.ToolJobs;

/// <summary>A tool that does what the test says.</summary>
internal sealed class ScriptedTool(ToolLane lane, Func<string, CancellationToken, Task<ToolResult>> script) : IToolHandler
{
    private readonly ConcurrentQueue<string> _runs = [];

    public ToolLane Lane => lane;

    /// <summary>Arguments of the attempts, in the order of their starts.</summary>
    public IReadOnlyList<string> Runs => [.. _runs];

    /// <summary>Answers with what it was asked.</summary>
    public static ScriptedTool Echo(ToolLane lane) => new(lane, (arguments, _) => Task.FromResult<ToolResult>(new ToolResult.Done(arguments, Cacheable: true)));

    public static ScriptedTool Refusing(ToolLane lane, string error, bool retryable = true) => new(lane, (_, _) => Task.FromResult<ToolResult>(new ToolResult.Failed(error, retryable)));

    /// <summary>Every lane needs somebody.</summary>
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
