using System.Globalization;
using Sendcat.ApiService.Providers;

namespace Sendcat.ApiService.Tools;

/// <summary>Returns the date and time in Jamaica, where most users are.</summary>
internal sealed class GetCurrentTime(TimeProvider time) : ITool
{
    // Jamaica uses UTC-5 all year. The time zone database is used so that a change of the law needs no change of the code.
    private static readonly TimeZoneInfo Jamaica = TimeZoneInfo.FindSystemTimeZoneById("America/Jamaica");

    public ToolDeclaration Declaration { get; } = new(
        "get_current_time",
        "The current date and time in Jamaica.",
        """{"type":"object","properties":{},"additionalProperties":false}""");

    public int PerTurn => 1;

    public bool OfferedWhen(bool webSearch) => true;

    public Task<ToolCallResult> RunAsync(ToolCall call, CancellationToken cancellationToken)
    {
        var local = TimeZoneInfo.ConvertTime(time.GetUtcNow(), Jamaica);
        return Task.FromResult(
            new ToolCallResult(local.ToString("dddd, MMMM d, yyyy 'at' h:mm tt '(Jamaica time)'", CultureInfo.InvariantCulture)));
    }
}
