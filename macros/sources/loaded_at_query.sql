{% macro loaded_at_query(source_name, table_name) %}
    {#- When a source table was last loaded, for `dbt source freshness`: one row, one timestamp in UTC.

        Fivetran's and Airbyte's own columns come first, then when the CRM last changed a row, which is what exports
        have; those of var account_mapping__column_candidates[source][table].loaded_at before all. Where there is no
        such table or column, freshness is off: the query answers now, and says so in the log, since no other answer
        of a freshness query counts as neither fresh nor stale. -#}
    {%- set relation = account_mapping.source_table(source_name, table_name) if execute else none -%}
    {%- set present = {} -%}
    {%- if relation -%}
        {%- for column in adapter.get_columns_in_relation(relation) -%}
            {%- do present.update({(column.name | trim | lower): column}) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- set extra = var('account_mapping__column_candidates', {}).get(source_name, {}).get(table_name, {}) -%}
    {%- set names = account_mapping.as_list(extra.get('loaded_at')) + [
        '_fivetran_synced', '_airbyte_extracted_at', '_airbyte_emitted_at', '_dlt_loaded_at', '_sdc_batched_at',
        'system_modstamp', 'systemmodstamp', 'last_modified_date', 'lastmodifieddate', 'last modified date',
        'property_hs_lastmodifieddate', 'properties_hs_lastmodifieddate', 'hs_lastmodifieddate',
        'modifiedon', 'update_time', 'updatedat', 'updated_at', 'updated at',
    ] -%}
    {%- for name in names if (name | lower) in present -%}
        {{- return("select max(" ~ account_mapping.to_timestamp(
            account_mapping.column_as_text(present[name | lower])) ~ ") from " ~ relation) -}}
    {%- endfor -%}
    {%- if execute -%}
        {%- do log("account_mapping: freshness of " ~ source_name ~ "." ~ table_name ~ " is not known: "
            ~ ("no column tells when it was loaded; name one as loaded_at in var account_mapping__column_candidates"
                if relation else "there is no such table"), info=true) -%}
    {%- endif -%}
    {{- return("select " ~ current_timestamp()) -}}
{% endmacro %}
