namespace Sendcat.ApiService.Providers;

/// <summary>Ids for tool calls to which the model gave none, or one that is not unique.</summary>
internal static class ToolCallId
{
    public static string New(TimeProvider time) => $"call_{Guid.CreateVersion7(time.GetUtcNow()):D}";
}
