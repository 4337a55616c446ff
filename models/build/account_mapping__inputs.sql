with

input_tables as (

    select * from {{ ref('int_account_mapping__input_tables') }}

),

input_counts as (

    select * from {{ ref('int_account_mapping__input_counts') }}

),

input_files as (

    select * from {{ ref('int_account_mapping__input_files') }}

),

inputs as (

    select
        input,
        source_relation,
        relation_name,
        kind,
        columns_read,
        columns_unread,
        rows_read

    from input_tables

    union all

    select * from input_files

),

dated as (

    select
        inputs.*,
        {% for outcome in ['used', 'merged', 'older', 'deleted', 'excluded', 'rejected', 'repaired'] -%}
        coalesce(input_counts.rows_{{ outcome }}, 0) as rows_{{ outcome }},
        {% endfor -%}
        input_counts.newest_change,
        {{ account_mapping.as_of() }} as today

    from inputs
    left join input_counts
        on inputs.input = input_counts.input

),

final as (

    select
        {{ account_mapping.spreadsheet_safe('input') }} as input,
        {{ account_mapping.spreadsheet_safe('source_relation') }} as source_relation,
        {{ account_mapping.spreadsheet_safe('relation_name') }} as relation_name,
        kind,
        cast(rows_read as bigint) as rows_read,
        rows_used,
        rows_merged,
        rows_older,
        rows_deleted,
        rows_excluded,
        rows_rejected,
        rows_repaired,
        nullif({{ account_mapping.spreadsheet_safe('columns_read') }}, '') as columns_read,
        nullif({{ account_mapping.spreadsheet_safe('columns_unread') }}, '') as columns_unread,
        newest_change,
        cast(
            {{ dbt.datediff('newest_change', 'today', 'day') }}
            as bigint
        ) as age_days

    from dated

)

select * from final
order by input
