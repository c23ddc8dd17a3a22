using System.Globalization;
using Sendcat.ApiService.Providers;

namespace Sendcat.ApiService.Tools;

/// <summary>The date and time where most of our users are.</summary>
internal sealed class GetCurrentTime(TimeProvider time) : ITool
{
    // Jamaica keeps UTC-5 all year; the zone database says so, and would say otherwise if that changed.
    private static readonly TimeZoneInfo Jamaica = TimeZoneInfo.FindSystemTimeZoneById("America/Jamaica");

    public ToolDeclaration Declaration { get; } = new(
        "get_current_time",
        "The current date and time in Jamaica.",
        """{"type":"object","properties":{},"additionalProperties":false}""");

    public int PerTurn => 1;

    public bool OfferedWhen(bool webSearch) => true;

    public Task<ToolAnswer> RunAsync(ToolCall call, CancellationToken cancellationToken)
    {
        var local = TimeZoneInfo.ConvertTime(time.GetUtcNow(), Jamaica);
        return Task.FromResult(new ToolAnswer(local.ToString("dddd, MMMM d, yyyy 'at' h:mm tt '(Jamaica time)'", CultureInfo.InvariantCulture)));
    }
}
