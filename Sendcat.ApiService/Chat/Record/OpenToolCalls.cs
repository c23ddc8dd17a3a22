using System.Text;
using Sendcat.ApiService.Providers;

namespace Sendcat.ApiService.Chat.Record;

/// <summary>
/// The tool calls of a turn that have no result: those that the model is still writing, and those that it has requested. Guarded by the
/// lock of the turn's <see cref="TurnRecord"/>.
/// </summary>
internal sealed class OpenToolCalls
{
    /// <summary>Names by id.</summary>
    private readonly Dictionary<string, string> _requested = [];

    /// <summary>The calls that the model has begun to write, in their order, until they are requested.</summary>
    private readonly List<(string Id, string Name, StringBuilder Arguments)> _unfinished = [];

    /// <summary>The calls that have no result.</summary>
    public IEnumerable<(string Id, string Name)> Requested => _requested.Select(call => (call.Key, call.Value));

    public void Begin(string id, string name) => _unfinished.Add((id, name, new StringBuilder()));

    public void AppendArguments(string id, string delta) => _unfinished.Find(call => call.Id == id).Arguments?.Append(delta);

    /// <summary>The model has written these calls.</summary>
    public void Request(IReadOnlyList<ProviderToolCall> calls)
    {
        _unfinished.Clear();
        foreach (var call in calls)
        {
            _requested[call.Id] = call.Name;
        }
    }

    public void Close(string id) => _requested.Remove(id);

    /// <summary>
    /// Requests the calls that the model has not finished, because readers have seen them. Their arguments are the text so far, which is
    /// seldom JSON.
    /// </summary>
    /// <returns>These calls.</returns>
    public IReadOnlyList<ProviderToolCall> RequestUnfinished()
    {
        ProviderToolCall[] calls = [.. _unfinished.Select(call => new ProviderToolCall(call.Id, call.Name, call.Arguments.ToString()))];
        Request(calls);
        return calls;
    }
}
