namespace Sendcat.ApiService.WhatsApp;

/// <summary>
/// The changes of phone numbers that Meta has reported. Changes and messages come out of order: a change says where the user of a former
/// number is now. Nothing maps the table: SQL reads and writes it.
/// </summary>
internal static class NumberChangeTable
{
    public const string Create = """
        CREATE TABLE whatsapp_number_changes (
            former     text NOT NULL,
            present    text NOT NULL,
            changed_at timestamptz NOT NULL,
            PRIMARY KEY (former, changed_at)
        );
        CREATE INDEX ix_whatsapp_number_changes_present ON whatsapp_number_changes (present);
        CREATE INDEX ix_whatsapp_number_changes_changed_at ON whatsapp_number_changes (changed_at);
        """;

    public const string Drop = "DROP TABLE whatsapp_number_changes;";
}
