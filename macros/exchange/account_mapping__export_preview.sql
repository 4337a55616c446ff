{% macro account_mapping__export_preview(partner_id, folder) %}
    {#- For the exchange command: writes what one partner would get under the present rules, and the rows by which people
        read it, as files below `folder`. -#}
    {{- return(adapter.dispatch('account_mapping__export_preview', 'account_mapping')(partner_id, folder)) -}}
{% endmacro %}

{% macro default__account_mapping__export_preview(partner_id, folder) %}
    {%- do exceptions.raise_compiler_error(
        "account_mapping: the exchange command previews on DuckDB only, this is " ~ target.type ~ ". Read"
        ~ " account_mapping__sharing_preview, before you build the shared models that partners may read."
    ) -%}
{% endmacro %}

{% macro duckdb__account_mapping__export_preview(partner_id, folder) %}
    {%- if not execute -%}
        {{- return('') -}}
    {%- endif -%}
    {%- set preview = account_mapping._exchange_model('account_mapping__sharing_preview') -%}
    {%- if not preview -%}
        {%- do exceptions.raise_compiler_error(
            "account_mapping: there is no preview yet: run the exchange command without --no-build, or `dbt build`."
        ) -%}
    {%- endif -%}
    {%- do account_mapping.account_mapping__export_shared(partner_id, folder, ['keys', 'fields']) -%}
    {%- do account_mapping._write_kind(
        folder, 'counts', account_mapping._exchange_model('int_account_mapping__leaving_counts'), partner_id) -%}
    {%- do run_query(
        "copy (select kind, sharing_state, reason, account_id, account_name, our_status, item, item_value, account_token from "
        ~ preview ~ " where partner_id = " ~ account_mapping._text_literal(partner_id) ~ ") to "
        ~ account_mapping._text_literal(folder ~ "/preview.parquet") ~ " (format parquet, compression zstd)"
    ) -%}
{% endmacro %}
