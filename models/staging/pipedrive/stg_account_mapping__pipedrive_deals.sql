{{ config(enabled='pipedrive' in var('account_mapping__crms', [])) }}

with

source as (

    {{ stage_columns('pipedrive', 'deals', candidates={
        'source_opportunity_id': ['id'],
        'source_account_id': ['org_id'],
        'status': ['status'],
        'amount': ['value'],
        'currency': ['currency'],
        'won_at': ['won_time'],
        'lost_at': ['lost_time'],
        'expected_close_date': ['expected_close_date'],
        'added_at': ['add_time'],
        'is_deleted': ['deleted', 'is_deleted'],
    }) }}

),

renamed as (

    select
        ---------- ids
        {{ clean_id('source_opportunity_id') }} as source_opportunity_id,
        {{ clean_id(object_field('source_account_id', ['value', 'id'], otherwise_itself=true)) }} as source_account_id,

        ---------- strings
        lower({{ clean_text('status') }}) as status,
        {{ clean_text('amount') }} as raw_amount,
        {{ clean_text('currency') }} as currency,

        ---------- numerics
        {{ to_decimal('amount') }} as amount,

        ---------- booleans
        case
            when lower({{ clean_text('status') }}) in ('won', 'lost') then true
            when lower({{ clean_text('status') }}) = 'open' then false
        end as is_closed,
        case
            when lower({{ clean_text('status') }}) = 'won' then true
            when lower({{ clean_text('status') }}) in ('lost', 'open') then false
        end as is_won,
        coalesce(lower({{ clean_text('status') }}) = 'deleted', false)
        or coalesce({{ to_boolean('is_deleted') }}, false) as is_deleted,
        true as is_current_version,

        ---------- timestamps
        coalesce(
            case
                when lower({{ clean_text('status') }}) = 'won' then {{ to_date('won_at') }}
                when lower({{ clean_text('status') }}) = 'lost' then {{ to_date('lost_at') }}
            end,
            {{ to_date('expected_close_date') }}
        ) as close_date,
        {{ to_date('added_at') }} as created_date

    from source

)

select * from renamed
