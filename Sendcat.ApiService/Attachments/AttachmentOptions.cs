using System.ComponentModel.DataAnnotations;
using Sendcat.Reliability.Knobs;

namespace Sendcat.ApiService.Attachments;

internal sealed class AttachmentOptions
{
    /// <summary>The most bytes of one attachment.</summary>
    [Knob("ATTACHMENT_MAX_BYTES", Unit = "B"), Range(1_024, 26_214_400)]
    public int MaxBytes { get; set; } = 5 * 1024 * 1024;

    /// <summary>Hours after which an attachment is deleted that no message names.</summary>
    [Knob("ATTACHMENT_UNUSED_HOURS", Unit = "h"), Range(1, 720)]
    public int UnusedHours { get; set; } = 24;
}
