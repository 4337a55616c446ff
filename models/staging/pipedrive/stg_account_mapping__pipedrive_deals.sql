{{ config(enabled='pipedrive' in var('account_mapping__crms', [])) }}

with

source as (

    {{ account_mapping.stage_columns('pipedrive', 'deals', candidates={
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
        {{ account_mapping.clean_id('source_opportunity_id') }} as source_opportunity_id,
        {{ account_mapping.clean_id(
            account_mapping.object_field('source_account_id', ['value', 'id'], otherwise_itself=true)
        ) }} as source_account_id,

        ---------- strings
        lower({{ account_mapping.clean_text('status') }}) as status,
        {{ account_mapping.clean_text('amount') }} as raw_amount,
        {{ account_mapping.clean_text('currency') }} as currency,

        ---------- numerics
        {{ account_mapping.to_decimal('amount') }} as amount,

        ---------- booleans
        case
            when lower({{ account_mapping.clean_text('status') }}) in ('won', 'lost') then true
            when lower({{ account_mapping.clean_text('status') }}) = 'open' then false
        end as is_closed,
        case
            when lower({{ account_mapping.clean_text('status') }}) = 'won' then true
            when lower({{ account_mapping.clean_text('status') }}) in ('lost', 'open') then false
        end as is_won,
        coalesce(lower({{ account_mapping.clean_text('status') }}) = 'deleted', false)
        or coalesce({{ account_mapping.to_boolean('is_deleted') }}, false) as is_deleted,
        true as is_current_version,

        ---------- timestamps
        coalesce(
            case
                when lower({{ account_mapping.clean_text('status') }}) = 'won'
                    then {{ account_mapping.to_date('won_at') }}
                when lower({{ account_mapping.clean_text('status') }}) = 'lost'
                    then {{ account_mapping.to_date('lost_at') }}
            end,
            {{ account_mapping.to_date('expected_close_date') }}
        ) as close_date,
        {{ account_mapping.to_date('added_at') }} as created_date

    from source

)

select * from renamed
