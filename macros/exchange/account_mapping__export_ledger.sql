{% macro account_mapping__export_ledger(partner_id, folder) %}
    {#- For the exchange command: writes the warehouse's copy of the ledger, of all partners, to `folder`. -#}
    {{- return(adapter.dispatch('account_mapping__export_ledger', 'account_mapping')(partner_id, folder)) -}}
{% endmacro %}

{% macro default__account_mapping__export_ledger(partner_id, folder) %}
    {%- do exceptions.raise_compiler_error(
        "account_mapping: the exchange command keeps its ledger on DuckDB only, this is " ~ target.type ~ ". Keep a log of"
        ~ " what you grant to a partner and when."
    ) -%}
{% endmacro %}

{% macro duckdb__account_mapping__export_ledger(partner_id, folder) %}
    {%- if execute -%}
        {%- do account_mapping._write_ledger(folder) -%}
    {%- endif -%}
{% endmacro %}

{% macro _write_ledger(folder) %}
    {#- The rows as the command reads them; no file where there is no table yet. -#}
    {%- set relation = account_mapping._partners_table('exchange_ledger') -%}
    {%- if load_relation(relation) -%}
        {%- do account_mapping._write_json(
            folder, 'exchange_ledger',
            "select " ~ (account_mapping._ledger_columns().keys() | join(", ")) ~ " from " ~ relation ~ " order by number"
        ) -%}
    {%- endif -%}
{% endmacro %}

{% macro _ledger_columns() %}
    {#- COLUMNS of exchange/ledger.py: `entry` is the entry itself, the others repeat parts of it for queries. -#}
    {{- return({
        'number': 'bigint',
        'recorded_at': 'varchar',
        'as_of': 'varchar',
        'event': 'varchar',
        'company_id': 'varchar',
        'partner_id': 'varchar',
        'agreement_id': 'varchar',
        'epoch': 'varchar',
        'sequence': 'bigint',
        'rows_of_keys': 'bigint',
        'rows_of_counts': 'bigint',
        'rows_of_fields': 'bigint',
        'manifest_hash': 'varchar',
        'entry_hash': 'varchar',
        'entry': 'varchar',
    }) -}}
{% endmacro %}
