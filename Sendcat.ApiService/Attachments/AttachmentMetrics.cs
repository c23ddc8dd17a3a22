using System.Diagnostics.Metrics;

namespace Sendcat.ApiService.Attachments;

/// <summary>Meter <c>Sendcat.Attachments</c>.</summary>
internal static class AttachmentMetrics
{
    private static readonly Meter Meter = new("Sendcat.Attachments");

    private static readonly Counter<long> Uploads = Meter.CreateCounter<long>(
        "sendcat.attachments.uploads", "{file}", "Uploaded files by type and outcome.");

    private static readonly Counter<long> Deletions = Meter.CreateCounter<long>(
        "sendcat.attachments.deleted", "{file}", "Files deleted from the file store.");

    /// <param name="type">A media type of <see cref="MediaType"/>, or <c>other</c>.</param>
    /// <param name="outcome"><c>stored</c>, <c>refused_type</c>, <c>refused_quota</c> or <c>failed</c>.</param>
    public static void Uploaded(string type, string outcome) =>
        Uploads.Add(1, new KeyValuePair<string, object?>("type", type), new KeyValuePair<string, object?>("outcome", outcome));

    public static void Deleted(int files) => Deletions.Add(files);
}
