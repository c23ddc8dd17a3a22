namespace Sendcat.ApiService.Orders;

/// <summary>
/// The shipments of merchants that belong to drafts: a mail that has neither an order number nor a tracking number finds its draft by them.
/// Nothing maps the table: SQL reads and writes it.
/// </summary>
internal static class DraftShipmentTable
{
    public const string Create = """
        CREATE TABLE draft_shipments (
            user_id  text NOT NULL,
            key      text NOT NULL,
            draft_id uuid NOT NULL REFERENCES purchase_drafts (id) ON DELETE CASCADE,
            PRIMARY KEY (user_id, key)
        );
        CREATE INDEX ix_draft_shipments_draft_id ON draft_shipments (draft_id);
        """;

    public const string Drop = "DROP TABLE draft_shipments;";
}
