using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Sendcat.ApiService.Threads;

/// <summary>
/// Text that a running turn has added to a message since the row of the message was written. Checkpoints add parts, because rewriting a
/// long text every second would cost many times its size. When the message ends, its row gets the whole text and the parts are deleted, by
/// the turn or by a trigger.
/// </summary>
internal sealed class MessagePart
{
    public required Guid MessageId { get; init; }

    /// <summary>Orders the parts of a message, from 0.</summary>
    public required int Number { get; init; }

    public required string Content { get; init; }

    public string? ReasoningContent { get; init; }
}

/// <summary>Maps the parts. A trigger on the table of messages reads and deletes them.</summary>
internal sealed class MessagePartTable : IEntityTypeConfiguration<MessagePart>
{
    public void Configure(EntityTypeBuilder<MessagePart> part)
    {
        part.ToTable("message_parts");
        part.HasKey(p => new { p.MessageId, p.Number });
        part.HasOne<ChatMessage>().WithMany(m => m.Parts).HasForeignKey(p => p.MessageId).OnDelete(DeleteBehavior.Cascade)
            .HasConstraintName("fk_message_parts_messages_message_id");
    }
}
