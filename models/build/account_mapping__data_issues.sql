{%- set rooms = ['accounts', 'partners', 'identity', 'members', 'keys', 'counting', 'shared', 'build'] -%}
{#- Rooms that count what they find; in the others a row is one finding. -#}
{%- set counting_rooms = ['accounts', 'partners', 'identity', 'build'] -%}
with

issues as (

    {% for room in rooms -%}
    select
        source,
        row_key,
        problem,
        detail,
        {{ 'n_rows' if room in counting_rooms else '1' }} as n_rows
    from {{ ref('int_account_mapping__' ~ room ~ '_issues') }}
    {% if not loop.last %}union all
    {% endif -%}
    {% endfor %}
),

grouped as (

    select
        source,
        row_key,
        problem,
        detail,
        sum(n_rows) as n_rows

    from issues
    group by source, row_key, problem, detail

),

final as (

    select
        {{ account_mapping.content_hash(['source', 'row_key', 'problem', 'detail']) }} as data_issue_id,
        {{ account_mapping.spreadsheet_safe('source') }} as source,
        {{ account_mapping.spreadsheet_safe('row_key') }} as row_key,
        problem,
        {{ account_mapping.spreadsheet_safe('detail') }} as detail,
        {{ account_mapping.data_issue_action('problem') }} as action,
        cast(n_rows as bigint) as n_rows

    from grouped

)

select * from final
order by source, row_key, problem, detail
