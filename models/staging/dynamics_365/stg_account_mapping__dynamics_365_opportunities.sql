{{ config(enabled='dynamics_365' in var('account_mapping__crms', [])) }}

with

source as (

    {{ account_mapping.stage_columns('dynamics_365', 'opportunity', candidates={
        'source_opportunity_id': ['opportunityid', 'id'],
        'source_account_id': ['parentaccountid', '_parentaccountid_value', 'accountid'],
        'state': ['statecode'],
        'amount': ['estimatedvalue'],
        'currency': ['isocurrencycode'],
        'actual_close_date': ['actualclosedate'],
        'estimated_close_date': ['estimatedclosedate'],
        'created_date': ['createdon'],
        'is_deleted': ['is_deleted', 'isdeleted'],
        'is_deleted_by_loader': ['_fivetran_deleted'],
        'is_current_version': ['_fivetran_active'],
    }) }}

),

renamed as (

    select
        ---------- ids
        {{ account_mapping.clean_id('source_opportunity_id') }} as source_opportunity_id,
        {{ account_mapping.clean_id('source_account_id') }} as source_account_id,

        ---------- strings
        {{ account_mapping.clean_id('state') }} as state,
        {{ account_mapping.clean_text('amount') }} as raw_amount,
        {{ account_mapping.clean_text('currency') }} as currency,

        ---------- numerics
        {{ account_mapping.to_decimal('amount') }} as amount,

        ---------- booleans
        coalesce({{ account_mapping.to_boolean('is_deleted') }}, false)
        or coalesce({{ account_mapping.to_boolean('is_deleted_by_loader') }}, false) as is_deleted,
        coalesce({{ account_mapping.to_boolean('is_current_version') }}, true) as is_current_version,

        ---------- timestamps
        coalesce(
            {{ account_mapping.to_date('actual_close_date') }}, {{ account_mapping.to_date('estimated_close_date') }}
        ) as close_date,
        {{ account_mapping.to_date('created_date') }} as created_date

    from source

)

select * from renamed
