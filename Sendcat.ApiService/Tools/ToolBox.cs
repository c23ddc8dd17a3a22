using System.Diagnostics;
using Sendcat.ApiService.Providers;

namespace Sendcat.ApiService.Tools;

/// <summary>All tools by name. Every call gets a result, even a call of an unknown tool, so that the thread stays usable.</summary>
internal sealed class ToolBox(IEnumerable<ITool> tools, ContentCapture capture, ILogger<ToolBox> logger)
{
    public static readonly ActivitySource Activities = new("Sendcat.Tools");

    private readonly Dictionary<string, ITool> _byName = tools.ToDictionary(tool => tool.Declaration.Name, StringComparer.Ordinal);

    public IReadOnlyList<ToolDeclaration> Offered(bool webSearch) =>
        [.. _byName.Values.Where(tool => tool.OfferedWhen(webSearch)).Select(tool => tool.Declaration)];

    /// <summary>Maximum calls of the tool per turn; 1 for an unknown tool.</summary>
    public int PerTurn(string name) => _byName.TryGetValue(name, out var tool) ? tool.PerTurn : 1;

    /// <summary>Executes a call. An exception of the tool is logged and becomes a failed result.</summary>
    /// <exception cref="OperationCanceledException">The turn has ended.</exception>
    public async Task<ToolCallResult> RunAsync(ToolCall call, CancellationToken cancellationToken)
    {
        if (!_byName.TryGetValue(call.Name, out var tool))
        {
            return new ToolCallResult("There is no tool of that name. Answer with what you know.", Failed: true);
        }

        if (!JsonShape.IsObject(call.ArgumentsJson))
        {
            return new ToolCallResult(
                "The arguments were not a JSON object. Call the tool again with valid arguments, or answer with what you know.",
                Failed: true);
        }

        using var activity = Activities.StartActivity($"execute_tool {call.Name}");
        activity?.SetTag("gen_ai.operation.name", "execute_tool");
        activity?.SetTag("gen_ai.tool.name", call.Name);
        activity?.SetTag("gen_ai.tool.call.id", call.Id);
        activity?.SetTag("gen_ai.tool.type", "function");
        var captured = capture.IsOn ? activity : null;
        captured?.SetTag("gen_ai.tool.call.arguments", GenAiContent.Cut(call.ArgumentsJson));
        try
        {
            var result = await tool.RunAsync(call, cancellationToken);
            captured?.SetTag("gen_ai.tool.call.result", GenAiContent.Cut(result.Text));
            return result;
        }
        catch (Exception failure) when (failure is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            activity?.SetStatus(ActivityStatusCode.Error);
            logger.ToolFailed(call.Name, failure);
            return new ToolCallResult("The tool failed. Answer with what you know.", Failed: true);
        }
    }
}
