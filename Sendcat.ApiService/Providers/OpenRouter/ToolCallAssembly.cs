using System.Text;

namespace Sendcat.ApiService.Providers.OpenRouter;

/// <summary>
/// Assembles tool calls from their fragments. Providers guarantee only <c>index</c>, and not all of them do: it may be missing or have
/// gaps, id and name may arrive late or repeat as empty, and several calls may share one index. The first id and the first name that are
/// not empty count; only arguments are appended.
/// </summary>
internal sealed class ToolCallAssembly(TimeProvider time)
{
    /// <summary>Maximum tool calls of one response, more than any model makes. Beyond it the response fails.</summary>
    public const int MaxCalls = 128;

    /// <summary>Maximum characters of the arguments of all calls. Beyond it the response fails.</summary>
    public const int MaxArgumentChars = 256 * 1024;

    /// <summary>
    /// Maximum characters of an id or a name, because every event of the call contains them. A longer id is replaced by a generated one. A
    /// longer name is truncated and then matches no tool.
    /// </summary>
    public const int MaxNameChars = 256;

    private readonly List<Call> _calls = [];
    private int _argumentChars;

    /// <returns>False: a limit is exceeded.</returns>
    public bool Add(ToolCallFragment fragment, List<ProviderEvent> events)
    {
        var call = Find(fragment);
        if (call is null)
        {
            if (_calls.Count == MaxCalls)
            {
                return false;
            }

            call = new Call { Index = fragment.Index ?? (_calls.Count == 0 ? 0 : _calls.Max(c => c.Index) + 1) };
            _calls.Add(call);
        }

        if (call.Id is null && !string.IsNullOrEmpty(fragment.Id))
        {
            call.Id = fragment.Id.Length > MaxNameChars || _calls.Exists(c => c.Id == fragment.Id) ? ToolCallId.New(time) : fragment.Id;
            call.ProviderId = fragment.Id;
        }

        call.Name ??= string.IsNullOrEmpty(fragment.Name) ? null
            : fragment.Name.Length > MaxNameChars ? fragment.Name[..MaxNameChars]
            : fragment.Name;
        _argumentChars += fragment.Arguments?.Length ?? 0;
        AddEvents(call, call.Split.Join(fragment.Arguments ?? ""), events);
        return _argumentChars <= MaxArgumentChars;
    }

    /// <summary>
    /// Adds the complete calls in the order of their indexes. A call without a name is dropped, because it cannot be executed. A missing id
    /// is generated.
    /// </summary>
    /// <returns>True if there is at least one call.</returns>
    public bool Complete(List<ProviderEvent> events)
    {
        _calls.RemoveAll(call => call.Name is null);
        foreach (var call in _calls.Where(call => call.Id is null))
        {
            call.Id = ToolCallId.New(time);
            AddEvents(call, "", events);
        }

        foreach (var call in _calls.OrderBy(call => call.Index))
        {
            var arguments = call.Arguments.ToString();
            var complete = new ProviderToolCall(call.Id!, call.Name!, string.IsNullOrWhiteSpace(arguments) ? "{}" : arguments);
            events.Add(new ProviderEvent.ToolCallReady(complete));
        }

        return _calls.Count > 0;
    }

    private Call? Find(ToolCallFragment fragment)
    {
        var index = fragment.Index;
        var call = index is null ? _calls.LastOrDefault() : _calls.FindLast(c => c.Index == index);
        return call is not null && StartsAnother(call, fragment) ? null : call;
    }

    /// <summary>A fragment with a different id and a name starts a new call, independent of its index.</summary>
    private static bool StartsAnother(Call call, ToolCallFragment fragment) =>
        !string.IsNullOrEmpty(fragment.Id)
            && !string.IsNullOrEmpty(fragment.Name)
            && call.ProviderId is not null
            && call.ProviderId != fragment.Id;

    private static void AddEvents(Call call, string arguments, List<ProviderEvent> events)
    {
        call.Arguments.Append(arguments);
        if (call.Id is null || call.Name is null)
        {
            return;
        }

        if (!call.Started)
        {
            call.Started = true;
            events.Add(new ProviderEvent.ToolCallStarted(call.Id, call.Name));
            arguments = call.Arguments.ToString();
        }

        if (arguments.Length > 0)
        {
            events.Add(new ProviderEvent.ToolCallDelta(call.Id, arguments));
        }
    }

    private sealed class Call
    {
        public SplitCharacter Split;

        public required int Index { get; init; }

        public string? Id { get; set; }

        /// <summary>The provider's id, which an earlier call may also have.</summary>
        public string? ProviderId { get; set; }

        public string? Name { get; set; }

        public bool Started { get; set; }

        public StringBuilder Arguments { get; } = new();
    }
}

internal readonly record struct ToolCallFragment(int? Index, string? Id, string? Name, string? Arguments);
