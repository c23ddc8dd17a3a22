using System.Text;

namespace Sendcat.ApiService.Providers.OpenRouter;

/// <summary>
/// Puts tool calls together from their fragments. Only <c>index</c> is promised by providers, and not by all: it may be missing or have gaps, id and name may come
/// late or come again empty, and one index may be used for several calls. The first id and name that are not empty count; only arguments are appended.
/// </summary>
internal sealed class ToolCallAssembly(TimeProvider time)
{
    /// <summary>More than any model asks for in one answer; beyond it the answer is broken.</summary>
    public const int MaxCalls = 128;

    /// <summary>Characters of the arguments of all calls; beyond it the answer is broken.</summary>
    public const int MaxArgumentChars = 256 * 1024;

    /// <summary>Characters of an id or a name, which come with every event of the call. A longer id is replaced by one of ours, a longer name is cut and names no tool.</summary>
    public const int MaxNameChars = 256;

    private readonly List<Call> _calls = [];
    private int _argumentChars;

    /// <summary>False: the fragment went beyond a limit.</summary>
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

        call.Name ??= string.IsNullOrEmpty(fragment.Name) ? null : fragment.Name.Length > MaxNameChars ? fragment.Name[..MaxNameChars] : fragment.Name;
        _argumentChars += fragment.Arguments?.Length ?? 0;
        Tell(call, call.Split.Join(fragment.Arguments ?? ""), events);
        return _argumentChars <= MaxArgumentChars;
    }

    /// <summary>The finished calls in the order of their indexes. A call that never got a name cannot be made and is left out; an id that never came is made up.</summary>
    /// <returns>Whether there is any.</returns>
    public bool Complete(List<ProviderEvent> events)
    {
        _calls.RemoveAll(call => call.Name is null);
        foreach (var call in _calls.Where(call => call.Id is null))
        {
            call.Id = ToolCallId.New(time);
            Tell(call, "", events);
        }

        foreach (var call in _calls.OrderBy(call => call.Index))
        {
            var arguments = call.Arguments.ToString();
            events.Add(new ProviderEvent.ToolCallReady(new ProviderToolCall(call.Id!, call.Name!, string.IsNullOrWhiteSpace(arguments) ? "{}" : arguments)));
        }

        return _calls.Count > 0;
    }

    private Call? Find(ToolCallFragment fragment)
    {
        var index = fragment.Index;
        var call = index is null ? _calls.LastOrDefault() : _calls.FindLast(c => c.Index == index);
        return call is not null && StartsAnother(call, fragment) ? null : call;
    }

    /// <summary>An id of its own together with a name is a new call, whatever its index says.</summary>
    private static bool StartsAnother(Call call, ToolCallFragment fragment) =>
        !string.IsNullOrEmpty(fragment.Id) && !string.IsNullOrEmpty(fragment.Name) && call.ProviderId is not null && call.ProviderId != fragment.Id;

    private static void Tell(Call call, string arguments, List<ProviderEvent> events)
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

        /// <summary>The id in the provider's words, which may have been taken by an earlier call.</summary>
        public string? ProviderId { get; set; }

        public string? Name { get; set; }

        public bool Started { get; set; }

        public StringBuilder Arguments { get; } = new();
    }
}

internal readonly record struct ToolCallFragment(int? Index, string? Id, string? Name, string? Arguments);

internal static class ToolCallId
{
    public static string New(TimeProvider time) => $"call_{Guid.CreateVersion7(time.GetUtcNow()):D}";
}
