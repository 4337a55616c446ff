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

final as (

    select
        inputs.input,
        inputs.source_relation,
        inputs.relation_name,
        inputs.kind,
        cast(inputs.rows_read as bigint) as rows_read,
        {% for outcome in ['used', 'merged', 'older', 'deleted', 'excluded', 'rejected', 'repaired'] -%}
        coalesce(input_counts.rows_{{ outcome }}, 0) as rows_{{ outcome }},
        {% endfor -%}
        nullif(inputs.columns_read, '') as columns_read,
        nullif(inputs.columns_unread, '') as columns_unread,
        input_counts.newest_change,
        cast(
            {{ dbt.datediff('input_counts.newest_change', account_mapping.as_of(), 'day') }} as bigint
        ) as age_days

    from inputs
    left join input_counts
        on inputs.input = input_counts.input

)

select * from final
order by input
